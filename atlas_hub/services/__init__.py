"""One public function for each thing an admin can do. The page and the APIs call the same ones."""
