package io.github.dl4jjepa.models.verification;

import java.util.List;

/**
 * What a verification found.
 *
 * @param checked the comparisons made
 * @param skipped reference values that nothing is compared with, by name
 */
public record Report(List<Check> checked, List<String> skipped) {
    public Report {
        checked = List.copyOf(checked);
        skipped = List.copyOf(skipped);
    }

    /** How many comparisons were within the tolerance. */
    public long passed() {
        return checked.stream().filter(Check::passed).count();
    }

    /** How many were not. */
    public long failed() {
        return checked.size() - passed();
    }
}
