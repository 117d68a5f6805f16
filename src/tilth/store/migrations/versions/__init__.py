"""One file a step; what a file says never changes once it has been released."""
