// Gives a library without files of its own something to archive.
