package io.github.dl4jjepa.models.hub;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A model at a revision: {@code org/name}, {@code org/name@revision}, or a name without a namespace
 * such as {@code gpt2}.
 *
 * @param repository the part before {@code @}, valid by the rules of {@code huggingface_hub}'s
 *     {@code validate_repo_id}
 * @param revision a branch, a tag, a commit or a reference such as {@code refs/pr/1}
 */
record HubName(String repository, String revision) {
    static final String DEFAULT_REVISION = "main";

    private static final String PART = "\\b[\\w.-]{1,96}\\b";
    private static final Pattern REPOSITORY = Pattern.compile("(?:" + PART + "/)?" + PART);
    private static final Pattern REVISION = Pattern.compile("\\w[\\w.+-]*(?:/[\\w.+-]+)*");
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final Pattern ADDRESS = Pattern.compile("(?:https?://[^/]+/|hf://)(.+)");
    private static final Pattern OTHER_KIND =
            Pattern.compile("(dataset|space|kernel|bucket)s/[^/]+(?:/.*)?");

    /** Reads a name; empty if it is not valid. */
    static Optional<HubName> parse(String text) {
        int at = text.indexOf('@');
        String repository = at < 0 ? text : text.substring(0, at);
        String revision = at < 0 ? DEFAULT_REVISION : text.substring(at + 1);
        boolean valid =
                REPOSITORY.matcher(repository).matches()
                        && !repository.contains("--")
                        && !repository.contains("..")
                        && !repository.endsWith(".git")
                        && REVISION.matcher(revision).matches()
                        && !revision.contains("..");
        return valid ? Optional.of(new HubName(repository, revision)) : Optional.empty();
    }

    /** Whether a text is the full hash of a commit. */
    static boolean isCommit(String text) {
        return COMMIT.matcher(text).matches();
    }

    /** What to write instead of a text that {@link #parse} does not accept. */
    static String advice(String text) {
        String slashes = text.replace('\\', '/');
        if (!slashes.equals(text) && parse(slashes).isPresent()) {
            return "A model on the hub is named with a slash: " + slashes + ".";
        }
        Matcher address = ADDRESS.matcher(text);
        if (address.matches()) {
            return "Of an address on the hub give the name alone, org/name or org/name@revision.";
        }
        Matcher other = OTHER_KIND.matcher(text);
        if (other.matches()) {
            return "On the hub this is the name of a " + other.group(1) + ", not of a model.";
        }
        return "A model on the hub is named org/name or org/name@revision.";
    }

    @Override
    public String toString() {
        return revision.equals(DEFAULT_REVISION) ? repository : repository + '@' + revision;
    }
}
