// For drizzle-kit. SETTINGS has it see what softdelete has added, and leave the views of softdelete alone.
export default {
  dialect: "postgresql",
  schema: "./schema.mjs",
  dbCredentials: { url: process.env.DATABASE_URL },
  tablesFilter: process.env.SETTINGS ? ["!active_*", "!deleted_*", "!all_*"] : undefined,
};
