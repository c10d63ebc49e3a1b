#!/bin/sh
# The folders of src are those that the layers know; a new one gets its place in layers.sh first.
! find src -mindepth 1 -type d | grep -vxE 'src/(api|triggers|hooks|planner|worker|commands|catalog|sqltext|model|pg)|src/extension(/(upgrade|released))?'
