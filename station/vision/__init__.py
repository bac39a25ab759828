"""What the cameras see: an int8 model, objects found against the empty platform, a gallery that names them."""
