package io.github.dl4jjepa.models.hub;

import io.github.dl4jjepa.core.JepaException;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The settings of {@code huggingface_hub}, from the environment variables that it reads and in its
 * order of precedence. An empty variable counts as unset.
 *
 * @param cache the folder of all models
 * @param endpoint the hub's or a mirror's address, without a slash at its end
 * @param token sent to the endpoint's own host only
 * @param tokenSource where the token was found, for messages
 * @param offline whether the network may not be asked
 * @param metadataTimeout for an answer to a question about a model or a file
 * @param downloadTimeout for the next bytes of a file
 * @param links whether snapshots hold symbolic links to the blobs
 * @param warnsOfCopies whether a file system without links is worth a warning
 * @param proxies by the variables that name them
 */
record HubSettings(
        Path cache,
        URI endpoint,
        Optional<String> token,
        String tokenSource,
        boolean offline,
        Duration metadataTimeout,
        Duration downloadTimeout,
        boolean links,
        boolean warnsOfCopies,
        ProxySettings proxies) {
    private static final Logger LOG = LoggerFactory.getLogger(HubSettings.class);

    private static final Set<String> TRUE = Set.of("1", "ON", "YES", "TRUE");
    private static final int DEFAULT_TIMEOUT_SECONDS = 10;
    private static final int LONGEST_TIMEOUT_SECONDS = 86_400;
    private static final boolean WINDOWS = File.separatorChar == '\\';

    /** As {@code os.path.expandvars} reads them. */
    private static final Pattern VARIABLE =
            Pattern.compile("\\$(\\w+)|\\$\\{([^}]*)}" + (WINDOWS ? "|%([^%]+)%" : ""));

    /**
     * Reads the environment, and the token's file if no variable holds a token.
     *
     * @throws JepaException if a variable's value cannot be used
     */
    static HubSettings of(Map<String, String> environment) {
        var variables = new Variables(environment);
        Path home =
                variables
                        .path("HF_HOME")
                        .orElseGet(
                                () ->
                                        variables
                                                .path("XDG_CACHE_HOME")
                                                .orElseGet(() -> variables.home().resolve(".cache"))
                                                .resolve("huggingface"));
        Path cache =
                variables
                        .path("HF_HUB_CACHE")
                        .or(() -> variables.path("HUGGINGFACE_HUB_CACHE"))
                        .orElseGet(() -> variables.expanded(home.resolve("hub").toString()));
        Token token = Token.of(variables, home);
        return new HubSettings(
                cache,
                variables.endpoint(),
                token.text(),
                token.source(),
                variables
                        .get("HF_HUB_OFFLINE")
                        .or(() -> variables.get("TRANSFORMERS_OFFLINE"))
                        .filter(HubSettings::isTrue)
                        .isPresent(),
                variables.seconds("HF_HUB_ETAG_TIMEOUT"),
                variables.seconds("HF_HUB_DOWNLOAD_TIMEOUT"),
                !variables.flag("HF_HUB_DISABLE_SYMLINKS"),
                !variables.flag("HF_HUB_DISABLE_SYMLINKS_WARNING"),
                ProxySettings.of(environment));
    }

    /** Without the token. */
    @Override
    public String toString() {
        return endpoint + ", cache " + cache;
    }

    private static boolean isTrue(String value) {
        return TRUE.contains(value.toUpperCase(Locale.ROOT));
    }

    /** A token and its origin. */
    private record Token(Optional<String> text, String source) {
        static Token of(Variables variables, Path home) {
            if (variables.flag("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
                return new Token(Optional.empty(), "HF_HUB_DISABLE_IMPLICIT_TOKEN is set");
            }
            if (variables.get("HF_OIDC_RESOURCE").isPresent()) {
                LOG.warn("HF_OIDC_RESOURCE is not supported here: set HF_TOKEN instead");
            }
            String name =
                    variables.get("HF_TOKEN").isPresent() ? "HF_TOKEN" : "HUGGING_FACE_HUB_TOKEN";
            Optional<String> text = variables.get(name).flatMap(Token::clean);
            if (text.isPresent()) {
                return new Token(text, name);
            }
            Path file = variables.path("HF_TOKEN_PATH").orElseGet(() -> home.resolve("token"));
            try {
                return new Token(clean(Files.readString(file)), file.toString());
            } catch (NoSuchFileException e) {
                return new Token(Optional.empty(), "HF_TOKEN is not set and there is no " + file);
            } catch (IOException e) {
                LOG.warn("{}: the token in it cannot be read: {}", file, e.toString());
                return new Token(Optional.empty(), file + " cannot be read");
            }
        }

        private static Optional<String> clean(String text) {
            return Optional.of(text.replaceAll("[\\r\\n]", "").strip())
                    .filter(token -> !token.isEmpty());
        }
    }

    /** An environment. */
    private record Variables(Map<String, String> environment) {
        Optional<String> get(String name) {
            return Optional.ofNullable(environment.get(name)).filter(value -> !value.isEmpty());
        }

        boolean flag(String name) {
            return get(name).filter(HubSettings::isTrue).isPresent();
        }

        Path home() {
            return Path.of(
                    get(WINDOWS ? "USERPROFILE" : "HOME")
                            .orElseGet(() -> System.getProperty("user.home")));
        }

        Optional<Path> path(String name) {
            return get(name)
                    .map(
                            value -> {
                                try {
                                    return expanded(value);
                                } catch (InvalidPathException e) {
                                    throw unusable(name, value, "a path", e);
                                }
                            });
        }

        /** A path with {@code ~} and variables in it expanded, in that order. */
        Path expanded(String path) {
            return Path.of(expandVariables(expandHome(path)));
        }

        private String expandHome(String path) {
            boolean isHome =
                    path.equals("~")
                            || path.startsWith("~/")
                            || path.startsWith("~" + File.separator);
            return isHome ? home() + path.substring(1) : path;
        }

        private String expandVariables(String path) {
            return VARIABLE.matcher(path)
                    .replaceAll(
                            match -> {
                                String name = null;
                                for (int i = 1; i <= match.groupCount() && name == null; i++) {
                                    name = match.group(i);
                                }
                                return Matcher.quoteReplacement(
                                        environment.getOrDefault(name, match.group()));
                            });
        }

        Duration seconds(String name) {
            String value = get(name).orElse("0");
            try {
                int seconds = Integer.parseInt(value.strip());
                if (seconds < 0 || seconds > LONGEST_TIMEOUT_SECONDS) {
                    throw unusable(name, value, "a number of seconds up to a day", null);
                }
                return Duration.ofSeconds(seconds == 0 ? DEFAULT_TIMEOUT_SECONDS : seconds);
            } catch (NumberFormatException e) {
                throw unusable(name, value, "a whole number of seconds", e);
            }
        }

        URI endpoint() {
            String value = get("HF_ENDPOINT").orElse("https://huggingface.co");
            try {
                URI endpoint = new URI(value.strip().replaceFirst("/+$", ""));
                boolean web =
                        "https".equalsIgnoreCase(endpoint.getScheme())
                                || "http".equalsIgnoreCase(endpoint.getScheme());
                if (!web || endpoint.getHost() == null || endpoint.getQuery() != null) {
                    throw unusable(
                            "HF_ENDPOINT",
                            value,
                            "an address such as https://host, without underscores in the host",
                            null);
                }
                return endpoint;
            } catch (URISyntaxException e) {
                throw unusable("HF_ENDPOINT", value, "an address such as https://host", e);
            }
        }

        private static JepaException unusable(
                String name, String value, String expected, @Nullable Exception cause) {
            return new JepaException(
                    "The environment variable "
                            + name
                            + " is '"
                            + value
                            + "', not "
                            + expected
                            + ". Set it anew, or unset it.",
                    cause);
        }
    }
}
