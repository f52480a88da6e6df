package io.github.dl4jjepa.core.view;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * Each view in a row of its own, under ordinary causal attention (LLM-JEPA, arXiv 2509.14252,
 * version 1): works with any decoder, recurrent ones too. Two views make three rows, the first of
 * them the conversation.
 *
 * <p>What the conversation begins with is not read again: a hidden state depends on no token right
 * of it, so that Text is read in the conversation's row where Text has no [PRED] tokens of its own
 * after it. That is so without [PRED] tokens, and where the token that follows Text in the
 * conversation, the separator of {@link SequenceEncoder}, is the [PRED] token. Two views then make
 * two rows.
 */
public final class SeparateLayout implements ViewLayout {
    private static final long serialVersionUID = 1L;

    private final ViewOptions options;

    /**
     * @param options what is compared
     */
    public SeparateLayout(ViewOptions options) {
        this.options = Objects.requireNonNull(options, "options");
    }

    @Override
    public List<Row> rows(TokenizedExample example) {
        RowBuilder conversation = RowBuilder.conversation(example);
        List<Row> rows = new ArrayList<>();
        Set<Integer> ends = new HashSet<>();
        for (Encoding encoding : Encoding.of(example, options)) {
            int[] path = encoding.path(example);
            if (isBeginning(path, example.ids()) && readsOthers(path.length, ends)) {
                conversation.shared(encoding);
            } else {
                rows.add(new RowBuilder().alone(path, encoding).build());
            }
        }
        rows.add(0, conversation.build());
        return rows;
    }

    /**
     * Whether an encoding that ends at a place of the conversation reads other hidden states than
     * those before it: one hidden state cannot be read for two pairs.
     */
    private boolean readsOthers(int end, Set<Integer> ends) {
        boolean others =
                options.pooling() == ViewOptions.Pooling.LAST_TOKEN
                        ? !ends.contains(end)
                        : ends.isEmpty();
        if (others) {
            ends.add(end);
        }
        return others;
    }

    private static boolean isBeginning(int[] path, int[] conversation) {
        return path.length <= conversation.length
                && Arrays.equals(path, 0, path.length, conversation, 0, path.length);
    }
}
