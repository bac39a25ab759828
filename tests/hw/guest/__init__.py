"""What runs in the virtual machine: each module does experiments and prints what it saw, one line of JSON each."""
