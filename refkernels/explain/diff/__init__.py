"""Two recorded assignments, compared stage by stage."""
