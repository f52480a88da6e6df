package io.github.dl4jjepa.models.hub;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Models of the Hugging Face hub by their names.
 *
 * <p>A snapshot that is in the cache with all its files is used without a request. Otherwise the
 * missing files are downloaded into the cache, which Python's {@code huggingface_hub} shares: each
 * under a temporary name, resumed where it broke off, checked against size and hash, then moved
 * into place. Weights are downloaded as safetensors only: unpickling can run code.
 *
 * <p>The environment variables of {@code huggingface_hub} and those of proxies are honored;
 * docs/hub.md lists them. Objects of this class may be shared by threads.
 */
public final class HuggingFaceHub {
    private static final Logger LOG = LoggerFactory.getLogger(HuggingFaceHub.class);
    private static final HubClient.Retry RETRY = new HubClient.Retry(5, Duration.ofSeconds(1));

    private final HubSettings settings;
    private final HubClient.Retry retry;

    HuggingFaceHub(HubSettings settings, HubClient.Retry retry) {
        this.settings = settings;
        this.retry = retry;
    }

    /**
     * The hub that the process's environment variables describe.
     *
     * @throws JepaException if a variable's value cannot be used
     */
    public static HuggingFaceHub fromEnvironment() {
        return of(System.getenv());
    }

    static HuggingFaceHub of(Map<String, String> environment) {
        return new HuggingFaceHub(HubSettings.of(environment), RETRY);
    }

    /**
     * Whether a text can be the name of a model: {@code org/name} or {@code name}, either with
     * {@code @revision}.
     */
    public static boolean isName(String text) {
        return HubName.parse(text).isPresent();
    }

    /**
     * A sentence for messages about a text that is neither a folder nor a name: what to write
     * instead.
     */
    public static String advice(String text) {
        return HubName.advice(text);
    }

    /**
     * The folder of a model, downloaded as far as the cache lacks it.
     *
     * @param name a text for which {@link #isName} holds; the revision is a branch, a tag, a commit
     *     or a reference such as {@code refs/pr/1} (default: main)
     * @throws JepaException if there is no such model, it may not be read, has no safetensors, the
     *     network fails or the cache cannot be written
     */
    public Path snapshot(String name) {
        HubName parsed =
                HubName.parse(name)
                        .orElseThrow(
                                () ->
                                        new JepaException(
                                                name
                                                        + ": is not the name of a model. "
                                                        + HubName.advice(name)));
        var cache = new HubCache(settings, parsed);
        try {
            Optional<String> commit = cache.commit(parsed.revision());
            if (commit.isEmpty()) {
                return online(parsed, cache, parsed.revision(), List.of());
            }
            HubCache.Lack lack = cache.lack(commit.get());
            if (lack.isNothing()) {
                return cache.snapshot(commit.get());
            }
            if (!lack.isUsable()) {
                String asked = lack.hasWeights() ? commit.get() : parsed.revision();
                return online(parsed, cache, asked, lack.missing());
            }
            return completed(parsed, cache, commit.get(), lack.doubtful());
        } catch (FileSystemException e) {
            throw new JepaException(
                    "The cache cannot be read or written: "
                            + e
                            + ". Set HF_HUB_CACHE to a folder that can be written and has room.",
                    e);
        } catch (InvalidPathException e) {
            throw new JepaException(
                    parsed + ": has a file that cannot be stored on this system: " + e, e);
        } catch (IOException e) {
            throw new JepaException(settings.cache() + ": cannot be read: " + e, e);
        }
    }

    /** A snapshot that can be loaded, completed with the other files that the hub has. */
    private Path completed(HubName name, HubCache cache, String commit, List<String> doubtful)
            throws IOException {
        if (!settings.offline()) {
            var once = new HubClient(settings, name, new HubClient.Retry(1, retry.pause()));
            try {
                return download(name, cache, commit, once);
            } catch (HubRefusal e) {
                LOG.warn("{} The cached snapshot is used.", e.getMessage());
            } catch (FileSystemException e) {
                LOG.warn("{}; the cached snapshot is used", e.toString());
            } catch (IOException e) {
                LOG.warn("{}: {} The cached snapshot is used.", name, once.explain(e));
            }
        }
        LOG.info("{}: the cached snapshot is used without {}, if it has them", name, doubtful);
        return cache.snapshot(commit);
    }

    /**
     * @param asked the revision, or the commit of it that is to be completed
     * @param missing the files that the cached snapshot lacks, if there is one
     */
    private Path online(HubName name, HubCache cache, String asked, List<String> missing)
            throws IOException {
        if (settings.offline()) {
            throw new JepaException(
                    name
                            + ": the cache "
                            + settings.cache()
                            + (missing.isEmpty()
                                    ? " does not have it"
                                    : " lacks " + String.join(", ", missing) + " of it")
                            + ", and HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids downloads. Unset"
                            + " the variable, or give a folder.");
        }
        var client = new HubClient(settings, name, retry);
        try {
            return download(name, cache, asked, client);
        } catch (FileSystemException e) {
            throw e;
        } catch (IOException e) {
            throw new JepaException(
                    name
                            + ": cannot be downloaded from "
                            + settings.endpoint()
                            + ": "
                            + client.explain(e),
                    e);
        }
    }

    private Path download(HubName name, HubCache cache, String asked, HubClient client)
            throws IOException {
        String commit = asked;
        Set<String> listing = HubName.isCommit(asked) ? cache.listing(asked).orElse(null) : null;
        if (listing == null) {
            JsonNode information = information(name, asked, client);
            commit = information.path("sha").asText();
            listing = new TreeSet<>();
            for (JsonNode file : information.path("siblings")) {
                listing.add(file.path("rfilename").asText());
            }
        }
        Path snapshot = cache.snapshot(commit);
        boolean complete = false;
        while (!complete) { // the index and the configuration name more files once they are there
            complete = true;
            for (String file : HubFiles.needed(name, listing, snapshot)) {
                if (!cache.has(commit, file)) {
                    cache.fetch(client, commit, file);
                    complete = false;
                }
            }
        }
        cache.complete(commit, listing);
        return snapshot;
    }

    /** Asks for a commit, and for the revision if the hub does not have the commit any more. */
    private static JsonNode information(HubName name, String asked, HubClient client)
            throws IOException {
        try {
            return client.information(asked);
        } catch (HubRefusal e) {
            if (!e.isUnknownRevision() || asked.equals(name.revision())) {
                throw e;
            }
            return client.information(name.revision());
        }
    }
}
