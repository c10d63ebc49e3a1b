# The steps of test/clients/scenario with Sequel.
require 'sequel'
require_relative '../main'

Sequel.extension :migration
DB = Sequel.connect(ENV.fetch('DATABASE_URL'))

Sequel.migration do
  up do
    create_table(:customer) do
      primary_key :id
      String :email, null: false, unique: true
      String :name, null: false
    end
    create_table(:tag) do
      primary_key :id
      String :name, null: false, unique: true
    end
    create_table(:orders) do
      primary_key :id
      foreign_key :customer_id, :customer, null: false, on_delete: :cascade, index: true
      foreign_key :referrer_id, :customer, on_delete: :set_null, index: true
      BigDecimal :total, size: [10, 2], null: false
      Integer :version, null: false, default: 0
    end
    create_table(:order_tag) do
      primary_key :id
      foreign_key :order_id, :orders, null: false, on_delete: :cascade
      foreign_key :tag_id, :tag, null: false, on_delete: :cascade, index: true
      unique %i[order_id tag_id]
    end
    create_join_table({ customer_id: { table: :customer, on_delete: :cascade },
                        tag_id: { table: :tag, on_delete: :cascade } }, name: :customer_tag)
  end
end.apply(DB, :up)

class Customer < Sequel::Model(:customer)
  plugin :association_dependencies
  one_to_many :orders, key: :customer_id, order: :id
  many_to_many :tags, join_table: :customer_tag, left_key: :customer_id
  add_association_dependencies orders: :destroy, tags: :nullify
end

class Order < Sequel::Model(:orders)
  plugin :optimistic_locking, lock_column: :version
  many_to_one :referrer, class: :Customer
  many_to_many :tags, join_table: :order_tag, left_key: :order_id
end

class Tag < Sequel::Model(:tag)
end

module Steps
  module_function

  def version(_)
    "Sequel #{Sequel.version}, pg #{PG::VERSION}"
  end

  # Made above, since models read their tables when they are defined.
  def schema(_); end

  def create(_)
    DB.transaction do
      red = Tag.create(name: 'red')
      blue = Tag.create(name: 'blue')
      ada = Customer.create(email: ADA, name: 'Ada')
      first = ada.add_order(total: 100)
      second = ada.add_order(total: 50)
      bob = Customer.create(email: BOB, name: 'Bob')
      bob.add_order(total: 30)
      [red, blue].each { |tag| first.add_tag(tag) }
      second.add_tag(red)
      ada.add_tag(red)
      bob.add_tag(blue)
    end
    nil
  end

  def delete_one(_)
    Order.with_pk!(3).destroy
    nil
  end

  def delete_many(_)
    Order.where { total < 60 }.delete
  end

  def delete_tree(_)
    DB.transaction { Customer.first!(email: ADA).destroy }
    nil
  end

  def recreate(_)
    Customer.first!(email: BOB).destroy
    Customer.create(email: BOB, name: 'Robert')
    nil
  end

  def upsert(_)
    rows = DB[:customer].insert_conflict(target: :email, update: { name: Sequel[:excluded][:name] })
    rows.multi_insert([{ email: ADA, name: 'Ada L.' }, { email: BOB, name: 'Robert' }])
    nil
  end

  def get_or_create(_)
    [BOB, BOB, ADA].map do |email|
      made = false
      Customer.find_or_create(email: email) { |customer| made = customer.name = 'New' }
      made ? 'made' : 'found'
    end.join(' ')
  end

  def describe(ada, order)
    "#{ada.orders.map(&:id).join(',')} #{order.tags.map(&:name).join(',')} #{order.referrer&.name || '-'}"
  end

  def eager(_)
    describe(Customer.where(id: 1).eager(:orders).all.first, Order.where(Sequel[:orders][:id] => 1).eager_graph(:tags, :referrer).all.first)
  end

  def lazy(_)
    describe(Customer.with_pk!(1), Order.with_pk!(1))
  end

  def outcome
    yield
    'done'
  rescue Sequel::NoExistingObject
    'stale'
  end

  def locking(_)
    first = Order.with_pk!(1)
    second = Order.with_pk!(2)
    Order.with_pk!(1).destroy
    Order.with_pk!(2).update(total: 51)
    "#{outcome { first.update(total: 101) }} #{outcome { second.destroy }}"
  end

  def savepoint(_)
    DB.transaction do
      DB.transaction(savepoint: true) do
        Order.with_pk!(1).destroy
        raise Sequel::Rollback
      end
      Order.with_pk!(3).destroy
    end
    nil
  end

  def take_off_and_put_on(owner, name)
    tag = Tag.first!(name: name)
    owner.remove_tag(tag)
    owner.add_tag(tag)
    nil
  end

  def links(_)
    take_off_and_put_on(Order.with_pk!(1), 'blue')
  end

  def links_by_key(_)
    take_off_and_put_on(Customer.with_pk!(1), 'red')
  end

  def restore(_)
    "#{DB.get(Sequel.lit("softdelete.restore('orders', ?)", 3))} #{Order.with_pk!(3).id}"
  end

  def dump(configured)
    unique = DB.indexes(:customer, include_partial: configured).values.select { |index| index[:unique] }
    "#{DB.tables.sort.join(' ')}|#{unique.flat_map { |index| index[:columns] }.join(' ')}"
  end

  def truncate(configured)
    options = configured ? '-c softdelete.deletion=hard' : ''
    tests = Sequel.connect(ENV.fetch('DATABASE_URL'), driver_options: { options: options })
    tests[:customer].truncate(cascade: true)
    nil
  ensure
    tests.disconnect
  end
end

main(Steps)
