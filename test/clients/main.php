<?php

// What the clients in PHP share: the conversation with test/clients/try.

const ADA = 'ada@example.com';
const BOB = 'bob@example.com';

// Answers each step by the function of that name. It gets true where the page's settings shall be used.
function main(array $steps): void
{
    while (($line = fgets(STDIN)) !== false) {
        [$step, $configured] = explode(' ', trim($line)) + [1 => null];
        try {
            $answer = isset($steps[$step]) ? 'ok ' . $steps[$step]($configured !== null) : 'none';
        } catch (Throwable $error) {
            $answer = 'failed: ' . strtok($error->getMessage(), "\n");
        }
        echo "$step: ", trim($answer), "\n";
    }
}

function version_of(string $package): string
{
    return strtok(ltrim(exec("dpkg-query -W -f '\${Version}' " . escapeshellarg($package)), 'v'), '+-');
}
