"""The parts of a web archive, from the outside in: members of its compression, records, the HTTP message in one."""
