"""The dashboard: a Panel app over `charrnn.services`. No SQL, no TensorFlow, no files of its own here."""
