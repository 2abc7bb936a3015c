"""Reading digits of one's own: from Python, over HTTP and on the page."""
