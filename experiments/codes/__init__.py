"""Codes that training finds in three and four hidden dimensions."""
