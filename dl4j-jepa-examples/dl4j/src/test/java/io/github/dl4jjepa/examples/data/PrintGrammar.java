package io.github.dl4jjepa.examples.data;

import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Prints examples of the grammar, a message a line: what the tokenizer is trained on. */
final class PrintGrammar {
    private PrintGrammar() {}

    /**
     * Prints.
     *
     * @param args how many examples, and the seed
     */
    public static void main(String[] args) {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (Example example :
                RegexGrammar.examples(Integer.parseInt(args[0]), Long.parseLong(args[1]))) {
            for (Message message : example.messages()) {
                out.println(message.content());
            }
        }
    }
}
