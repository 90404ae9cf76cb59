"""Read the library's own code as text: modules, scopes, names, what refers to what."""
