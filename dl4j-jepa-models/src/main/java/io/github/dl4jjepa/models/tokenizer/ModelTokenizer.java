package io.github.dl4jjepa.models.tokenizer;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import com.google.errorprone.annotations.MustBeClosed;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.ViewOptions;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A Hugging Face tokenizer: tokenizer.json run by DJL.
 *
 * <p>It encodes exactly the text that it is given: no begin or end tokens are added, nothing is cut
 * off or padded. Text that spells a special token becomes that token. Holds native memory; close
 * it.
 *
 * <p>Not for use by several threads at once.
 */
public final class ModelTokenizer implements AutoCloseable {
    private static final Map<String, String> OPTIONS =
            Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");

    /** A text that shows what is put around texts. */
    private static final String PLAIN = "a";

    private final TokenizerFiles files;
    private final HuggingFaceTokenizer tokenizer;
    private final Map<String, Integer> ids;
    private final String[] tokens;
    private final List<AddedToken> addedTokens;
    private final Map<Integer, AddedToken> stripping;

    private ModelTokenizer(TokenizerFiles files, HuggingFaceTokenizer tokenizer) {
        this.files = files;
        this.tokenizer = tokenizer;
        this.ids = files.ids();
        this.tokens =
                new String[ids.values().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1];
        ids.forEach((token, id) -> tokens[id] = token);
        this.addedTokens = files.addedTokens();
        this.stripping =
                addedTokens.stream()
                        .filter(token -> token.stripsBefore() || token.stripsAfter())
                        .collect(Collectors.toMap(AddedToken::id, token -> token, (a, b) -> b));
    }

    /**
     * Opens the tokenizer of a folder.
     *
     * @param folder a Hugging Face folder with tokenizer.json
     * @throws JepaException if tokenizer.json is missing or cannot be used
     */
    @MustBeClosed
    public static ModelTokenizer open(Path folder) {
        return open(TokenizerFiles.read(folder));
    }

    /**
     * Opens the tokenizer that the files describe.
     *
     * @throws JepaException if tokenizer.json cannot be used
     */
    @MustBeClosed
    public static ModelTokenizer open(TokenizerFiles files) {
        NativeTokenizers.load();
        Path file = files.folder().resolve(TokenizerFiles.TOKENIZER);
        byte[] json = files.tokenizerJson().getBytes(StandardCharsets.UTF_8);
        HuggingFaceTokenizer tokenizer;
        try {
            tokenizer = HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), OPTIONS);
        } catch (IOException | RuntimeException e) {
            throw new JepaException(
                    file
                            + " cannot be loaded by DJL's tokenizer: "
                            + e.getMessage()
                            + ". Write it again with save_pretrained of a current transformers.",
                    e);
        }
        ModelTokenizer opened = new ModelTokenizer(files, tokenizer);
        try {
            opened.checkSpecialTokens(file);
        } catch (RuntimeException e) {
            opened.close();
            throw e;
        }
        return opened;
    }

    /** The library numbers added tokens by itself where a vocabulary has gaps. */
    private void checkSpecialTokens(Path file) {
        for (String token : specialTokens()) {
            int[] encoded = encode(token).ids();
            if (encoded.length != 1 || !Objects.equals(ids.get(token), encoded[0])) {
                throw new JepaException(
                        file
                                + ": the special token "
                                + token
                                + " is listed with id "
                                + ids.get(token)
                                + " but is encoded as "
                                + Arrays.toString(encoded)
                                + ". Write the file again with save_pretrained of a current"
                                + " transformers.");
            }
        }
    }

    /** The files that describe this tokenizer. */
    public TokenizerFiles files() {
        return files;
    }

    /**
     * Encodes a text.
     *
     * @throws JepaException if the text has half of a surrogate pair, which is no character
     */
    public TokenizedText encode(String text) {
        refuseLoneSurrogates(text);
        Encoding encoding = tokenizer.encode(text, false, false);
        CharSpan[] spans = encoding.getCharTokenSpans();
        int[] javaIndex = javaIndices(text);
        int[] starts = new int[spans.length];
        int[] ends = new int[spans.length];
        for (int i = 0; i < spans.length; i++) {
            boolean characters = spans[i] != null;
            starts[i] = characters ? javaIndex[spans[i].getStart()] : -1;
            ends[i] = characters ? javaIndex[spans[i].getEnd()] : -1;
            if (characters && stripping.containsKey(Math.toIntExact(encoding.getIds()[i]))) {
                // What such a token takes of its neighbors' white space is not its own.
                while (starts[i] < ends[i] && AddedToken.isBlank(text.charAt(starts[i]))) {
                    starts[i]++;
                }
                while (starts[i] < ends[i] && AddedToken.isBlank(text.charAt(ends[i] - 1))) {
                    ends[i]--;
                }
            }
        }
        return new TokenizedText(
                Arrays.stream(encoding.getIds()).mapToInt(Math::toIntExact).toArray(),
                starts,
                ends);
    }

    /**
     * The tokens that the tokenizer's post-processor puts before a text, as transformers does with
     * a text that no chat template has written: {@code <s>} for Llama, none for GPT-2.
     */
    int[] beginIds() {
        int[] bare = encode(PLAIN).ids();
        long[] processed = tokenizer.encode(PLAIN, true, false).getIds();
        int before = 0;
        while (before + bare.length <= processed.length && !startsAt(processed, before, bare)) {
            before++;
        }
        return before + bare.length > processed.length
                ? new int[0]
                : Arrays.stream(processed, 0, before).mapToInt(Math::toIntExact).toArray();
    }

    private static boolean startsAt(long[] processed, int start, int[] ids) {
        return IntStream.range(0, ids.length).allMatch(i -> processed[start + i] == ids[i]);
    }

    /**
     * Encodes the rest of a text whose beginning is encoded by itself, as a prompt is before its
     * answer is generated: no token reaches over the boundary.
     *
     * @param beginning the tokens of the beginning
     * @param text the whole text
     * @param boundary where the beginning ends
     * @return tokens of the whole text, or nothing where the rest cannot be encoded by itself
     */
    Optional<TokenizedText> encodeRest(TokenizedText beginning, String text, int boundary) {
        String rest = text.substring(boundary);
        String whole = decode(encode(text).ids(), false);
        // Some tokenizers put a blank before a text; after a line break they do not.
        return Stream.of("", "\n")
                .map(before -> encode(before + rest).from(before.length(), boundary))
                .flatMap(Optional::stream)
                .map(beginning::followedBy)
                .filter(joined -> decode(joined.ids(), false).equals(whole))
                .findFirst();
    }

    /** Decodes tokens as they follow others: alone, they could lose a blank at their beginning. */
    String decodeAfter(int[] before, int[] ids) {
        int[] all = Arrays.copyOf(before, before.length + ids.length);
        System.arraycopy(ids, 0, all, before.length, ids.length);
        String beginning = decode(before, false);
        String whole = decode(all, false);
        return whole.startsWith(beginning)
                ? whole.substring(beginning.length())
                : decode(ids, false);
    }

    /**
     * Decodes token ids.
     *
     * @param skipSpecial whether special tokens are left out of the text
     */
    public String decode(int[] ids, boolean skipSpecial) {
        return tokenizer.decode(Arrays.stream(ids).asLongStream().toArray(), skipSpecial);
    }

    /** The id of a token of the vocabulary. */
    public OptionalInt id(String token) {
        Integer id = ids.get(token);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /** The token with an id; empty where the vocabulary has a gap or ends before it. */
    public Optional<String> token(int id) {
        return id < 0 || id >= tokens.length ? Optional.empty() : Optional.ofNullable(tokens[id]);
    }

    /** The largest id + 1. The embedding of a model may have more rows. */
    public int vocabularySize() {
        return tokens.length;
    }

    /** The tokens that tokenizer.json marks as special: text that spells one becomes it. */
    public List<String> specialTokens() {
        return addedTokens.stream().filter(AddedToken::special).map(AddedToken::content).toList();
    }

    /** All tokens that tokenizer.json adds to the vocabulary, special or not. */
    List<AddedToken> addedTokens() {
        return addedTokens;
    }

    /** The id of the token that begins a text, if the files name one. */
    public OptionalInt beginId() {
        return named("bos_token");
    }

    /** The id of the token that ends a text, if the files name one. */
    public OptionalInt endId() {
        return named("eos_token");
    }

    /** The id of the token for what is not in the vocabulary, if the files name one. */
    public OptionalInt unknownId() {
        return named("unk_token");
    }

    /**
     * The id to pad rows with: never a token at which text ends.
     *
     * <p>It is the tokenizer's own pad token; where that is an end token, or there is none, the
     * unknown token, and else the smallest id that is no end token. Any id would do, for padding is
     * masked from attention and has no labels; but an end token there hides the mistake of taking
     * padding for text.
     *
     * @param endIds tokens that end a turn or a text; the tokenizer's {@link #endId()} is one of
     *     them always
     */
    public int padId(Collection<Integer> endIds) {
        return IntStream.concat(
                        IntStream.concat(named("pad_token").stream(), unknownId().stream()),
                        IntStream.range(0, tokens.length))
                .filter(id -> !endIds.contains(id) && endId().orElse(-1) != id)
                .findFirst()
                .orElseThrow(
                        () -> new JepaException(files.folder() + ": every token is an end token"));
    }

    /** The ids of the [PRED] tokens that this tokenizer has, in order. */
    public int[] predictorIds() {
        return IntStream.rangeClosed(1, ViewOptions.MAX_PREDICTORS)
                .mapToObj(i -> id(TokenizerFiles.predictor(i)))
                .flatMapToInt(OptionalInt::stream)
                .toArray();
    }

    @Override
    public void close() {
        tokenizer.close();
    }

    private OptionalInt named(String key) {
        return files.specialToken(key).map(this::id).orElse(OptionalInt.empty());
    }

    private static void refuseLoneSurrogates(String text) {
        for (int index = 0; index < text.length(); ) {
            int point = text.codePointAt(index);
            if (Character.getType(point) == Character.SURROGATE) {
                throw new JepaException(
                        String.format(
                                Locale.ROOT,
                                "the text has half of a surrogate pair, \\u%04x, at index %d; it was"
                                        + " cut in the middle of a character",
                                point,
                                index));
            }
            index += Character.charCount(point);
        }
    }

    /** The Java index of every code point of a text, and the text's length after the last. */
    private static int[] javaIndices(String text) {
        int[] indices = new int[text.codePointCount(0, text.length()) + 1];
        for (int point = 0, index = 0; index < text.length(); point++) {
            indices[point] = index;
            index += Character.charCount(text.codePointAt(index));
            indices[point + 1] = index;
        }
        return indices;
    }

    /**
     * Token ids with the characters that each stands for.
     *
     * <p>Spans overlap where one character became several tokens: each has the whole character. All
     * arrays have the same length.
     *
     * @param ids token ids
     * @param starts index in the Java string of each token's first character; -1 for a token that
     *     stands for none
     * @param ends index after each token's last character; -1 for a token that stands for none
     */
    public record TokenizedText(int[] ids, int[] starts, int[] ends) {
        /** The tokens, from first to last, that share a character with {@code [start, end)}. */
        public Optional<TokenSpan> overlapping(int start, int end) {
            int first = -1;
            int last = -1;
            for (int i = 0; i < ids.length; i++) {
                if (ends[i] > start && starts[i] < end && starts[i] >= 0) {
                    first = first < 0 ? i : first;
                    last = i;
                }
            }
            return first < 0 ? Optional.empty() : Optional.of(new TokenSpan(first, last + 1));
        }

        /**
         * The tokens from a character on, of which none may begin before it.
         *
         * @param from the first character
         * @param place where that character stands in the text that the tokens are to be part of
         */
        Optional<TokenizedText> from(int from, int place) {
            int first = 0;
            while (first < ids.length && ends[first] <= from) {
                first++;
            }
            if (first == ids.length || starts[first] < from) {
                return Optional.empty();
            }
            return Optional.of(
                    new TokenizedText(
                            Arrays.copyOfRange(ids, first, ids.length),
                            moved(starts, first, place - from),
                            moved(ends, first, place - from)));
        }

        private static int[] moved(int[] places, int first, int by) {
            return Arrays.stream(places, first, places.length)
                    .map(place -> place < 0 ? place : place + by)
                    .toArray();
        }

        /** These tokens and others after them. */
        TokenizedText followedBy(TokenizedText others) {
            return new TokenizedText(
                    joined(ids, others.ids),
                    joined(starts, others.starts),
                    joined(ends, others.ends));
        }

        private static int[] joined(int[] first, int[] second) {
            int[] joined = Arrays.copyOf(first, first.length + second.length);
            System.arraycopy(second, 0, joined, first.length, second.length);
            return joined;
        }

        /** The ids of a run of tokens. */
        public int[] ids(TokenSpan span) {
            return Arrays.copyOfRange(ids, span.start(), span.end());
        }
    }
}
