"""HTTP on loopback for the payment screen and the technician on site."""
