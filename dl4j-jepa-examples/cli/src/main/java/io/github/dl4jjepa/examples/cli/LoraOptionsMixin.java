package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.models.lora.LoraOptions;
import io.github.dl4jjepa.models.lora.ModuleNames;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options of a LoRA adapter; without any of them, none is made. */
final class LoraOptionsMixin {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(
            names = "--lora-rank",
            paramLabel = "N",
            description =
                    "Train a LoRA adapter of this rank in place of all weights; "
                            + LoraOptions.DEFAULT_RANK
                            + " where another option of LoRA is given.")
    private @Nullable Integer rank;

    @Option(
            names = "--lora-alpha",
            paramLabel = "X",
            description = "The adapter is multiplied with alpha / rank; without this option by 2.")
    private @Nullable Double alpha;

    @Option(
            names = "--lora-dropout",
            paramLabel = "P",
            description =
                    "The part of each adapted map's input to drop in training; none without this option.")
    private @Nullable Double dropout;

    @Option(
            names = "--lora-targets",
            paramLabel = "NAME",
            split = ",",
            description =
                    "The linear maps to adapt: the ends of their names (q_proj,v_proj), a regular"
                            + " expression for whole names, or all-linear, as without this option.")
    private @Nullable List<String> targets;

    @Option(
            names = "--lora-rs",
            description = "Multiply with alpha / sqrt(rank) (rank-stabilized LoRA).")
    private boolean rsLora;

    /**
     * The options; null if none was given.
     *
     * @throws ParameterException if one is out of its range
     */
    @Nullable LoraOptions options() {
        if (rank == null && alpha == null && dropout == null && targets == null && !rsLora) {
            return null;
        }
        try {
            LoraOptions.Builder options = LoraOptions.builder().optRsLora(rsLora);
            if (rank != null) {
                options.optRank(rank);
            }
            if (alpha != null) {
                options.optAlpha(alpha);
            }
            if (dropout != null) {
                options.optDropout(dropout);
            }
            if (targets != null) {
                options.optTargets(ModuleNames.parse(targets));
            }
            return options.build();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), "LoRA: " + e.getMessage(), e);
        }
    }
}
