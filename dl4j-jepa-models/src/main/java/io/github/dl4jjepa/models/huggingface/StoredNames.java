package io.github.dl4jjepa.models.huggingface;

import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.decoder.TensorNames;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The names under which a checkpoint has a model's tensors, which may be others than those that
 * transformers writes.
 *
 * <p>Files of a model without its head, GPT-2's own among them, leave out {@code model.} or {@code
 * transformer.}; others have it twice. Wrappers for compiling, parallel training and adapters put
 * their own prefix before every name. A tied head may be stored in place of the embedding.
 */
final class StoredNames {
    /** What torch.compile, DistributedDataParallel, FSDP, DeepSpeed, peft and Lightning prepend. */
    private static final List<String> WRAPPERS =
            List.of(
                    "_orig_mod.",
                    "module.",
                    "_fsdp_wrapped_module.",
                    "_forward_module.",
                    "base_model.model.",
                    "model.");

    /** What they and activation checkpointing leave inside names. */
    private static final Pattern INSIDE =
            Pattern.compile(
                    ".*\\.((_orig_mod|module|_fsdp_wrapped_module|_checkpoint_wrapped_module)\\.).*");

    private static final Pattern ADAPTER =
            Pattern.compile(".*\\.(lora_[AB]|lora_embedding_[AB]|base_layer)\\..*");

    /** Rotary frequencies and masks, which follow from config.json. */
    private static final Pattern BUFFER =
            Pattern.compile(
                    "(.*\\.)?(rotary_emb(_local)?|rotary_embedding|pos_embedding)"
                            + "\\.(\\w*inv_freq|(cos|sin)_cached)"
                            + "|(.*\\.)?h\\.[0-9]+\\.attn\\.(masked_)?bias");

    private final Set<String> stored;
    private final Set<String> expected;
    private final TensorNames names;
    private final boolean tied;

    /** What the family puts before all names but the head's. */
    private final String base;

    /** A wrapper's, before all names. */
    private final String prefix;

    /**
     * @param stored all names in the checkpoint
     * @param config of the model that they are looked up for
     */
    StoredNames(Set<String> stored, DecoderConfig config) {
        this.stored = stored;
        this.expected = config.parameterShapes().keySet();
        names = config.names();
        tied = config.head().tied();
        base = names.finalNorm().substring(0, names.finalNorm().indexOf('.') + 1);
        prefix = wrapper();
    }

    /** Of the wrappers' prefixes that all names have, the one without which most are known. */
    private String wrapper() {
        Set<String> parameters = new LinkedHashSet<>(stored);
        parameters.removeIf(StoredNames::isBuffer);
        List<String> candidates = new ArrayList<>(List.of(""));
        for (int i = 0; i < candidates.size() && !parameters.isEmpty(); i++) {
            for (String wrapper : WRAPPERS) {
                String longer = candidates.get(i) + wrapper;
                if (parameters.stream().allMatch(name -> name.startsWith(longer))) {
                    candidates.add(longer);
                }
            }
        }
        String best = "";
        long most = 0;
        for (String candidate : candidates) {
            long found =
                    expected.stream().filter(name -> find(candidate, name).isPresent()).count();
            if (found > most) {
                best = candidate;
                most = found;
            }
        }
        return best;
    }

    /** The prefix of a wrapper that all names have; empty if there is none. */
    String prefix() {
        return prefix;
    }

    /** The name under which a parameter is stored. */
    Optional<String> find(String name) {
        return find(prefix, name);
    }

    private Optional<String> find(String wrapper, String name) {
        Optional<String> itself = findItself(wrapper, name);
        return tied && name.equals(names.embedding())
                ? itself.or(() -> findItself(wrapper, names.headWeight()))
                : itself;
    }

    private Optional<String> findItself(String wrapper, String name) {
        List<String> forms = new ArrayList<>(List.of(name, base + name));
        if (name.startsWith(base)) {
            forms.add(name.substring(base.length()));
        }
        return forms.stream().map(form -> wrapper + form).filter(stored::contains).findFirst();
    }

    /** The name of a tied head that is stored next to the embedding. */
    Optional<String> secondHead() {
        return tied
                ? findItself(prefix, names.headWeight())
                        .filter(head -> !find(names.embedding()).equals(Optional.of(head)))
                : Optional.empty();
    }

    /** What the model has no use for. */
    List<String> leftOver() {
        Set<String> rest = new LinkedHashSet<>(stored);
        rest.removeIf(StoredNames::isBuffer);
        expected.forEach(name -> find(name).ifPresent(rest::remove));
        secondHead().ifPresent(rest::remove);
        return List.copyOf(rest);
    }

    /** What the model needs and the checkpoint lacks. */
    List<String> missing() {
        return expected.stream().filter(name -> find(name).isEmpty()).toList();
    }

    /** Whether the head's matrix alone is missing. */
    boolean lacksOnlyTheHead() {
        return missing().equals(List.of(names.headWeight()));
    }

    private static boolean isBuffer(String name) {
        return BUFFER.matcher(name).matches();
    }

    /** Why names do not fit the model, as a sentence without its end, and what to do. */
    Optional<String> cause() {
        List<String> adapters = stored.stream().filter(ADAPTER.asMatchPredicate()).toList();
        if (!adapters.isEmpty()) {
            return Optional.of(
                    "tensor "
                            + adapters.get(0)
                            + " is of a peft adapter that is not merged; merge it in peft with"
                            + " merge_and_unload() and save the result with save_pretrained");
        }
        for (String wrapper : WRAPPERS.subList(0, WRAPPERS.size() - 1)) {
            List<String> with =
                    stored.stream().filter(name -> name.startsWith(prefix + wrapper)).toList();
            if (!with.isEmpty()) {
                return Optional.of(
                        with.size()
                                + " of "
                                + stored.size()
                                + " tensors ("
                                + with.get(0)
                                + ", …) have the prefix \""
                                + prefix
                                + wrapper
                                + "\" of a wrapper and the others do not; save the model that the"
                                + " wrapper wraps");
            }
        }
        for (String name : stored) {
            Matcher inside = INSIDE.matcher(name);
            if (inside.matches()) {
                return Optional.of(
                        "tensor "
                                + name
                                + " has \""
                                + inside.group(1)
                                + "\" of a wrapper in its name; save the model that the wrapper wraps");
            }
        }
        return foreignPrefix()
                .map(
                        foreign ->
                                "the tensors have the prefix \""
                                        + foreign
                                        + "\", with which transformers does not find them either;"
                                        + " if they are the language model within a larger model,"
                                        + " load that in transformers and save its language model"
                                        + " with save_pretrained");
    }

    /** What stands before the name of a parameter that is not found. */
    private Optional<String> foreignPrefix() {
        for (String name : missing()) {
            String bare = name.startsWith(base) ? name.substring(base.length()) : name;
            for (String ending : List.of("." + name, "." + bare)) {
                Optional<String> foreign =
                        stored.stream()
                                .filter(other -> other.endsWith(ending))
                                .map(o -> o.substring(0, o.length() - ending.length() + 1))
                                .findFirst();
                if (foreign.isPresent()) {
                    return foreign;
                }
            }
        }
        return Optional.empty();
    }
}
