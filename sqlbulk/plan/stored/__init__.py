"""UPDATE, DELETE, MOVE and MERGE: statements about stored documents."""
