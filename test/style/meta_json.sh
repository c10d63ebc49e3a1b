#!/bin/sh
# META.json is JSON.
perl -MJSON::PP -e 1 2>/dev/null || { echo 'JSON::PP is missing'; exit 77; }
perl -MJSON::PP -0777 -ne 'decode_json($_)' META.json
