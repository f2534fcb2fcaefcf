"""The proof that the checks can fail: deliberately wrong backends, and which clause catches each of them."""
