-- softdelete: soft delete as a property of a table.
CREATE EXTENSION softdelete;
