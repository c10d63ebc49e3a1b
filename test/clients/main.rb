# What the clients in Ruby share: the conversation with test/clients/try.
ADA = 'ada@example.com'.freeze
BOB = 'bob@example.com'.freeze

# Answers each step by the method of that name. It gets true where the page's settings shall be used.
def main(steps)
  $stdout.sync = true
  $stdin.each_line do |line|
    step, configured = line.split
    answer =
      begin
        steps.respond_to?(step) ? "ok #{steps.public_send(step, !configured.nil?)}" : 'none'
      rescue StandardError => e
        "failed: #{e.message.lines.first}"
      end
    puts "#{step}: #{answer.strip}"
  end
end
