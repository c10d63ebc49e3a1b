#!/bin/sh
# What continuous integration runs.
tested .ci/run
