//! The tests of the optional backends; there is nothing else here.
