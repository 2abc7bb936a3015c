"""What finding every digit of a picture takes besides."""
