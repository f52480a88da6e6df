package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.models.finetuning.TrainingFile;
import java.math.BigDecimal;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads {@code FILE} or {@code FILE:WEIGHT}.
 *
 * <p>What follows the last colon is a weight if it is a number and two characters or more stand
 * before it: {@code C:5} is a file on drive C. The name of a file that itself ends in a colon and a
 * number is given with a weight: {@code log:7:1}.
 */
final class TrainingFileConverter implements ITypeConverter<TrainingFile> {
    private static final Pattern WEIGHTED =
            Pattern.compile("(?<file>.{2,}):(?<weight>[0-9]*\\.?[0-9]+)", Pattern.DOTALL);

    @Override
    public TrainingFile convert(String argument) {
        Matcher weighted = WEIGHTED.matcher(argument);
        if (!weighted.matches()) {
            return TrainingFile.of(JepaCommand.path(argument));
        }
        try {
            return new TrainingFile(
                    JepaCommand.path(weighted.group("file")),
                    Double.parseDouble(weighted.group("weight")));
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }

    /** What {@link #convert} reads as a certain file with a weight. */
    static String text(String file, double weight) {
        boolean needsWeight = weight != 1 || WEIGHTED.matcher(file).matches();
        return needsWeight ? file + ":" + BigDecimal.valueOf(weight).toPlainString() : file;
    }
}
