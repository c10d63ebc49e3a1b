// What the clients in JavaScript share: the conversation with test/clients/try, and a look at the schema.
import { createInterface } from "node:readline";

export const [ADA, BOB] = ["ada@example.com", "bob@example.com"];

// Answers each step by the function of that name. It gets true where the page's settings shall be used.
export async function main(steps) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [step, configured] = line.split(" ");
    let answer = "none";
    try {
      if (steps[step]) answer = `ok ${(await steps[step](configured !== undefined)) ?? ""}`;
    } catch (error) {
      answer = `failed: ${String(error.message || error).trim().split("\n")[0]}`;
    }
    console.log(`${step}: ${answer.trim()}`);
  }
  process.exit();
}

// Names what a list of statements would do, in short.
export const difference = (statements) =>
  statements.map((each) => each.replaceAll(/\s+/g, " ").slice(0, 70)).join("; ") || "empty";

// What a tool that applies its changes at once can change.
export const SCHEMA = `
  SELECT attrelid::regclass || ' ' || attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull AS part
  FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
  WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND relkind IN ('r', 'p', 'v')
  UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
  UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
  WHERE connamespace = 'public'::regnamespace`;

export const changes = (before, after) => {
  const gone = before.filter((part) => !after.includes(part)).map((part) => `- ${part}`);
  return difference([...gone, ...after.filter((part) => !before.includes(part)).map((part) => `+ ${part}`)]);
};
