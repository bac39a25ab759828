"""Provisioning: an authority for a lab, keys and certificates, a broker's folder, a station's first configuration."""
