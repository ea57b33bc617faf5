"""The rules that training rows and files are checked against."""
