"""The targets of whole data sets: in parts, in files, by several processes or on a cluster."""
