"""What a picture of one digit goes through: whoever reads a data set depends on no more."""
