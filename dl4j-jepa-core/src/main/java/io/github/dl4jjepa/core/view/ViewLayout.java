package io.github.dl4jjepa.core.view;

import java.util.List;

/** Decides how an example's conversation and views are laid out in rows. */
@FunctionalInterface
public interface ViewLayout {
    /** Lays an example out; the first row is the language model's. */
    List<Row> rows(TokenizedExample example);
}
