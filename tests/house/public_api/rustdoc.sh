#!/bin/sh
# What rustdoc writes as JSON is unstable. Only rustdoc gets the variable that lets stable do it: in cargo's own environment
# it would have every dependency built anew.
RUSTC_BOOTSTRAP=1 exec rustdoc "$@"
