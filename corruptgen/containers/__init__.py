"""Files that hold many items: archives, arrays and tables, and the places where they are read from."""
