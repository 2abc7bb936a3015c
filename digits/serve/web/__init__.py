"""The page that reads drawings and photographs, and the same over HTTP."""
