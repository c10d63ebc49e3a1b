import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Map;

/** What the clients in Java share: the conversation with test/clients/try. */
final class Client {
    static final String ADA = "ada@example.com";
    static final String BOB = "bob@example.com";

    interface Step {
        Object run(boolean configured) throws Exception;
    }

    /** Answers each step by its function. It gets true where the page's settings shall be used. */
    static void main(Map<String, Step> steps) throws Exception {
        var in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            String[] words = line.split(" ");
            String answer = "none";
            if (steps.containsKey(words[0])) {
                try {
                    Object result = steps.get(words[0]).run(words.length > 1);
                    answer = "ok " + (result == null ? "" : result);
                } catch (Exception error) {
                    Throwable cause = error;
                    while (cause.getCause() != null) {
                        cause = cause.getCause();
                    }
                    answer = "failed: " + String.valueOf(cause.getMessage()).split("\n")[0];
                }
            }
            System.out.println(words[0] + ": " + answer.trim());
        }
        System.exit(0);
    }
}
