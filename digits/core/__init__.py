"""What every room uses: paths, errors, files, parameters."""
