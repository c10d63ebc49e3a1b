# The steps of test/clients/scenario with Active Record and paranoia.
require 'active_record'
require 'paranoia'
require 'paranoia/version'
require 'erb'
require 'stringio'
require_relative '../main'

ActiveRecord::Base.establish_connection(ENV.fetch('DATABASE_URL'))

class ApplicationRecord < ActiveRecord::Base
  self.abstract_class = true
end

class Tag < ApplicationRecord
  self.table_name = 'tag'
end

class OrderTag < ApplicationRecord
  self.table_name = 'order_tag'
  belongs_to :order
  belongs_to :tag
end

class Order < ApplicationRecord
  self.locking_column = 'version'
  self.ignored_columns = %w[deleted_at deleted_by deletion_id]
  belongs_to :customer
  belongs_to :referrer, class_name: 'Customer', optional: true
  has_many :order_tags, dependent: :destroy
  has_many :tags, through: :order_tags
end

class Customer < ApplicationRecord
  self.table_name = 'customer'
  has_many :orders, dependent: :destroy
  has_and_belongs_to_many :tags, join_table: 'customer_tag'
end

# The same table with paranoia's soft delete.
class Paranoid < ApplicationRecord
  self.table_name = 'customer'
  acts_as_paranoid
end

class Tables < ActiveRecord::Migration[6.1]
  def change
    create_table(:customer) do |t|
      t.text :email, null: false, index: { unique: true }
      t.text :name, null: false
    end
    create_table(:tag) { |t| t.text :name, null: false, index: { unique: true } }
    create_table(:orders) do |t|
      t.references :customer, null: false, foreign_key: { to_table: :customer, on_delete: :cascade }
      t.references :referrer, foreign_key: { to_table: :customer, on_delete: :nullify }
      t.decimal :total, precision: 10, scale: 2, null: false
      t.integer :version, null: false, default: 0
    end
    create_table(:order_tag) do |t|
      t.references :order, null: false, foreign_key: { on_delete: :cascade }
      t.references :tag, null: false, foreign_key: { to_table: :tag, on_delete: :cascade }
      t.index %i[order_id tag_id], unique: true
    end
    create_table(:customer_tag, primary_key: %i[customer_id tag_id]) do |t|
      t.references :customer, null: false, foreign_key: { to_table: :customer, on_delete: :cascade }
      t.references :tag, null: false, foreign_key: { to_table: :tag, on_delete: :cascade }
    end
  end
end

module Steps
  module_function

  def version(_)
    "Active Record #{ActiveRecord.version}, paranoia #{Paranoia::VERSION}, pg #{PG::VERSION}"
  end

  def schema(_)
    ActiveRecord::Migration.suppress_messages { Tables.migrate(:up) }
    [Customer, Order, Tag, OrderTag, Paranoid].each(&:reset_column_information)
  end

  def create(_)
    ActiveRecord::Base.transaction do
      red = Tag.create!(name: 'red')
      blue = Tag.create!(name: 'blue')
      ada = Customer.new(email: ADA, name: 'Ada', tags: [red])
      ada.orders.build(total: 100, tags: [red, blue])
      ada.orders.build(total: 50, tags: [red])
      ada.save!
      Customer.create!(email: BOB, name: 'Bob', tags: [blue], orders: [Order.new(total: 30)])
    end
    nil
  end

  def delete_one(_)
    Order.find(3).destroy!
    nil
  end

  def delete_many(_)
    Order.where('total < ?', 60).delete_all
  end

  def delete_tree(_)
    Customer.find_by!(email: ADA).destroy!
    nil
  end

  def recreate(_)
    Customer.find_by!(email: BOB).destroy!
    Customer.create!(email: BOB, name: 'Robert')
    nil
  end

  def upsert(_)
    rows = [{ email: ADA, name: 'Ada L.' }, { email: BOB, name: 'Robert' }]
    Customer.upsert_all(rows, unique_by: :email)
    nil
  end

  def get_or_create(_)
    [BOB, BOB, ADA].map do |email|
      Customer.create_or_find_by!(email: email) { |customer| customer.name = 'New' }.previously_new_record? ? 'made' : 'found'
    end.join(' ')
  end

  def describe(ada, order)
    "#{ada.orders.map(&:id).join(',')} #{order.tags.map(&:name).join(',')} #{order.referrer&.name || '-'}"
  end

  def eager(_)
    describe(Customer.includes(:orders).find(1), Order.eager_load(:tags, :referrer).find(1))
  end

  def lazy(_)
    describe(Customer.find(1), Order.find(1))
  end

  def outcome
    yield
    'done'
  rescue ActiveRecord::StaleObjectError
    'stale'
  end

  def locking(_)
    first = Order.find(1)
    second = Order.find(2)
    Order.find(1).destroy!
    Order.find(2).update!(total: 51)
    "#{outcome { first.update!(total: 101) }} #{outcome { second.destroy! }}"
  end

  def savepoint(_)
    Order.transaction do
      Order.transaction(requires_new: true) do
        Order.find(1).destroy!
        raise ActiveRecord::Rollback
      end
      Order.where(id: 3).delete_all
    end
    nil
  end

  def take_off_and_put_on(owner, name)
    tag = Tag.find_by!(name: name)
    owner.tags.destroy(tag)
    owner.tags << tag
    nil
  end

  def links(_)
    take_off_and_put_on(Order.find(1), 'blue')
  end

  def links_by_key(_)
    ActiveRecord::Base.connection.clear_cache!
    take_off_and_put_on(Customer.find(1), 'red')
  end

  def restore(_)
    sql = ApplicationRecord.sanitize_sql(["SELECT softdelete.restore('orders', ?)", 3])
    "#{ApplicationRecord.connection.select_value(sql)} #{Order.find(3).id}"
  end

  def own_soft_delete(_)
    Paranoid.reset_column_information
    list = ->(rows) { rows.order(:id).pluck(:name).join(',') }
    Paranoid.find_by!(email: BOB).destroy!
    live = list.call(Paranoid)
    all = list.call(Paranoid.with_deleted)
    Paranoid.with_deleted.find_by!(email: BOB).restore!
    "#{live}|#{all}|#{list.call(Paranoid)}"
  end

  # schema.rb, and whether a database made of it would be unique in the same way.
  def dump(configured)
    ActiveRecord::SchemaDumper.ignore_tables = configured ? [/_archive/] : []
    out = StringIO.new
    ActiveRecord::SchemaDumper.dump(ActiveRecord::Base.connection, out)
    tables = out.string.scan(/create_table "(\w+)"/).flatten.sort
    customer = out.string[/create_table "customer".*?\n  end/m]
    "#{tables.join(' ')}|#{customer.scan(/t\.index \["(\w+)"\].*unique: true/).flatten.join(' ')}"
  end

  def truncate(configured)
    options = configured ? '-c softdelete.deletion=hard' : ''
    ActiveRecord::Base.establish_connection("#{ENV.fetch('DATABASE_URL')}?options=#{ERB::Util.url_encode(options)}")
    ActiveRecord::Base.connection.truncate_tables('customer', 'orders', 'tag', 'order_tag', 'customer_tag')
    nil
  end
end

main(Steps)
