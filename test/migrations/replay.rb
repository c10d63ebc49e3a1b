# Runs the migrations of a Rails application one by one, in `rails runner`. With REGISTER=1 it registers the tables that are
# there after a third of them, and those that have come since after two thirds; at the end it unregisters all. At the same
# places it adds rows to the tables and deletes them again, in any case. Prints what it does, a line each.
$stdout.sync = true
ActiveRecord::Migration.verbose = false
database = ActiveRecord::Base.connection
migrations = database.migration_context.migrations
registers = ENV['REGISTER'] == '1'
own = "'schema_migrations', 'ar_internal_metadata'"
tables = lambda do |condition|
  database.select_values("SELECT c.oid::regclass FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace" \
                         " AND relname NOT IN (#{own}) AND #{condition} ORDER BY 1")
end

register = lambda do
  names = tables.call('NOT EXISTS (SELECT FROM softdelete.tables t WHERE t.relation = c.oid)')
  database.execute('SET client_min_messages = error')
  names.each { |name| database.execute("SELECT FROM softdelete.register('#{name}', retention => '1 day')") }
  database.execute('RESET client_min_messages')
  puts "registered #{names.size}"
end

# Copies of the rows, under other keys, as far as the table takes them.
add_and_delete = lambda do |times|
  deleted = tables.call('true').sum do |name|
    columns = database.columns(name).map(&:name) - %w[id deleted_at deleted_by deletion_id]
    next 0 unless database.primary_key(name) == 'id'

    list = columns.map { |column| database.quote_column_name(column) }.join(', ')
    begin
      database.transaction(requires_new: true) do
        database.execute("INSERT INTO #{name} (id, #{list}) SELECT id + #{times} * 1000000, #{list} FROM #{name} WHERE id < 1000000")
      end
    rescue ActiveRecord::RecordNotUnique
      next 0
    end
    database.delete("DELETE FROM #{name} WHERE id > 1000000")
  end
  puts "deleted #{deleted}"
end

migrations.each_with_index do |migration, number|
  thirds, rest = number.divmod(migrations.size / 3)
  if rest.zero? && [1, 2].include?(thirds)
    register.call if registers
    add_and_delete.call(thirds)
  end
  database.migration_context.run(:up, migration.version)
rescue StandardError => e
  puts "failed #{migration.version} #{migration.name}: #{e.message}"
  exit 1
end
puts "migrated #{migrations.size}"

if registers
  names = tables.call('EXISTS (SELECT FROM softdelete.tables t WHERE t.relation = c.oid)')
  names.each { |name| database.execute("SELECT FROM softdelete.unregister('#{name}', deleted_rows => 'purge')") }
  puts "unregistered #{names.size}"
end
