"""The kit for connectors over HTTP: one client per account, limits of vendors, sign-in. Stands on the SPI alone."""
