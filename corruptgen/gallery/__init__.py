"""Galleries: one self-contained HTML page that shows every row of a table or of a finished dataset on chosen images."""

from corruptgen.gallery.dataset_view import gallery_of_dataset
from corruptgen.gallery.model import Gallery
from corruptgen.gallery.page import write_page
from corruptgen.gallery.photographs import Photograph
from corruptgen.gallery.table_view import gallery_of_table

__all__ = ["Gallery", "Photograph", "gallery_of_dataset", "gallery_of_table", "write_page"]
