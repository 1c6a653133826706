/** Fills the gaps of an object with the defaults of its schema. Pure. */
