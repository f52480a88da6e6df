package io.github.dl4jjepa.models.hub;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder of one model in the cache, in the layout of {@code huggingface_hub}.
 *
 * <pre>
 * models--org--name/refs/main                     the commit of a branch or tag
 *                   snapshots/COMMIT/config.json  a link to its blob
 *                   blobs/ETAG                    the content
 *                   .no_exist/COMMIT/FILE         an empty file: the commit has no such file
 *                   trees/COMMIT.json             all files of the commit
 * .locks/models--org--name/ETAG.lock
 * </pre>
 */
final class HubCache {
    private static final Logger LOG = LoggerFactory.getLogger(HubCache.class);

    /** A name that other tools do not write to: they may download the same blob. */
    private static final String PARTIAL = ".dl4j-jepa.incomplete";

    /** One warning for a process, not one for a file. */
    private static final AtomicBoolean WARNED = new AtomicBoolean();

    private final HubSettings settings;
    private final HubName name;
    private final Path folder;
    private final Path locks;

    HubCache(HubSettings settings, HubName name) {
        this.settings = settings;
        this.name = name;
        String directory = "models--" + name.repository().replace("/", "--");
        folder = settings.cache().resolve(directory);
        locks = settings.cache().resolve(".locks").resolve(directory);
    }

    /**
     * What a snapshot lacks.
     *
     * @param missing files without which the model cannot be loaded as it is meant
     * @param doubtful files that the model may have, or that matter to an export only
     * @param hasWeights whether the weights, by far the largest files, are all there
     */
    record Lack(List<String> missing, List<String> doubtful, boolean hasWeights) {
        boolean isUsable() {
            return missing.isEmpty();
        }

        boolean isNothing() {
            return missing.isEmpty() && doubtful.isEmpty();
        }
    }

    /** The commit that a revision had when it was last downloaded. */
    Optional<String> commit(String revision) throws IOException {
        if (HubName.isCommit(revision)) {
            return Optional.of(revision);
        }
        Path ref = folder.resolve("refs").resolve(revision);
        return Files.isRegularFile(ref)
                ? Optional.of(Files.readString(ref).strip()).filter(HubName::isCommit)
                : Optional.empty();
    }

    /** The folder of a commit. */
    Path snapshot(String commit) {
        return folder.resolve("snapshots").resolve(commit);
    }

    boolean has(String commit, String file) {
        return Files.exists(snapshot(commit).resolve(file));
    }

    /** All files of a commit, if another tool has left a list. */
    Optional<Set<String>> listing(String commit) throws IOException {
        return HubFiles.tree(folder.resolve("trees").resolve(commit + ".json"));
    }

    /** Compares a snapshot with what its model needs, as far as the cache knows. */
    Lack lack(String commit) throws IOException {
        Path snapshot = snapshot(commit);
        Set<String> listing = listing(commit).orElse(null);
        List<String> missing = new ArrayList<>();
        List<String> doubtful = new ArrayList<>();
        List<String> asked = new ArrayList<>(HubFiles.fixed());
        asked.addAll(HubFiles.modules(snapshot));
        if (listing != null && listing.contains(HubFiles.CONFIG) && hasWeights(listing)) {
            asked = List.copyOf(HubFiles.needed(name, listing, snapshot));
        }
        for (String file : asked) {
            boolean known = listing != null && listing.contains(file);
            boolean absent = listing != null && !known || isMarkedAbsent(commit, file);
            boolean needed =
                    known || file.equals(HubFiles.CONFIG) || file.equals(HubFiles.TOKENIZER);
            if (!has(commit, file) && !absent) {
                (needed && !HubFiles.isCarriedOnly(file) ? missing : doubtful).add(file);
            }
        }
        List<String> weights = weights(commit);
        weights.removeAll(missing);
        boolean hasWeights = weights(commit).isEmpty();
        missing.addAll(weights);
        return new Lack(missing, doubtful, hasWeights);
    }

    /** The files of the weights that a snapshot lacks. */
    private List<String> weights(String commit) throws IOException {
        if (has(commit, HubFiles.WEIGHTS)) {
            return new ArrayList<>();
        }
        if (!has(commit, HubFiles.INDEX)) {
            return new ArrayList<>(List.of(HubFiles.WEIGHTS));
        }
        List<String> shards = new ArrayList<>(HubFiles.shards(snapshot(commit)));
        shards.removeIf(shard -> has(commit, shard));
        return shards;
    }

    private static boolean hasWeights(Set<String> listing) {
        return listing.contains(HubFiles.WEIGHTS) || listing.contains(HubFiles.INDEX);
    }

    private boolean isMarkedAbsent(String commit, String file) {
        return Files.exists(absent(commit, file));
    }

    private Path absent(String commit, String file) {
        return folder.resolve(".no_exist").resolve(commit).resolve(file);
    }

    /**
     * Downloads a file under the name of its hash, and links the snapshot to it.
     *
     * @throws IOException if the network fails or the cache cannot be written
     */
    @SuppressWarnings("try") // the lock is held, not used
    void fetch(HubClient client, String commit, String file) throws IOException {
        HubClient.FileFacts facts = client.facts(commit, file);
        Path blob = folder.resolve("blobs").resolve(facts.etag());
        Files.createDirectories(blob.getParent());
        try (BlobLock lock =
                BlobLock.acquire(locks.resolve(facts.etag() + ".lock"), file + " of " + name)) {
            if (has(commit, file)) {
                return;
            }
            boolean isNew = !Files.exists(blob);
            if (isNew) {
                Path part = blob.resolveSibling(facts.etag() + PARTIAL);
                client.download(commit, file, facts, part);
                Files.move(part, blob, StandardCopyOption.ATOMIC_MOVE);
            }
            link(snapshot(commit).resolve(file), blob, isNew);
        }
    }

    /** Links to a blob; without links a new blob is moved, and an older one copied. */
    private void link(Path link, Path blob, boolean isNew) throws IOException {
        Files.createDirectories(link.getParent());
        Files.deleteIfExists(link);
        if (settings.links()) {
            try {
                Files.createSymbolicLink(
                        link, Objects.requireNonNull(link.getParent()).relativize(blob));
                return;
            } catch (FileAlreadyExistsException e) {
                return; // by another library, whose lock differs from ours
            } catch (UnsupportedOperationException | IOException e) {
                if (settings.warnsOfCopies() && !WARNED.getAndSet(true)) {
                    LOG.warn(
                            "{}: no symbolic links here ({}); files are copied, which may take more"
                                    + " space. On Windows, developer mode allows links;"
                                    + " HF_HUB_DISABLE_SYMLINKS_WARNING=1 hides this warning.",
                            settings.cache(),
                            e.toString());
                }
            }
        }
        if (isNew) {
            Files.move(blob, link);
        } else {
            Path copy = link.resolveSibling(link.getFileName() + PARTIAL);
            Files.copy(blob, copy, StandardCopyOption.REPLACE_EXISTING);
            Files.move(copy, link, StandardCopyOption.ATOMIC_MOVE);
        }
    }

    /**
     * Notes that a snapshot is complete: the commit of its revision, and which optional files the
     * commit does not have. A cache that cannot be written stays as it is.
     */
    void complete(String commit, Set<String> listing) {
        try {
            for (String file : HubFiles.fixed()) {
                Path marker = absent(commit, file);
                if (!listing.contains(file) && !Files.exists(marker)) {
                    Files.createDirectories(marker.getParent());
                    Files.createFile(marker);
                }
            }
            if (!name.revision().equals(commit)
                    && !commit(name.revision()).equals(Optional.of(commit))) {
                Path ref = folder.resolve("refs").resolve(name.revision());
                Files.createDirectories(ref.getParent());
                Path written = ref.resolveSibling(ref.getFileName() + "." + UUID.randomUUID());
                Files.writeString(written, commit);
                Files.move(written, ref, StandardCopyOption.ATOMIC_MOVE);
            }
        } catch (IOException e) {
            LOG.info(
                    "{}: cannot be written ({}), so the hub will be asked again",
                    folder,
                    e.toString());
        }
    }
}
