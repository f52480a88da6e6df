package io.github.dl4jjepa.core.view;

import io.github.dl4jjepa.core.JepaException;
import java.io.Serializable;
import java.util.List;

/**
 * Decides how an example's conversation and views are laid out in rows: at what cost they are
 * encoded, not with what result. {@link SharedPrefixLayout} is the cheapest, {@link SeparateLayout}
 * the one that any decoder can run.
 */
@FunctionalInterface
public interface ViewLayout extends Serializable {
    /**
     * Lays an example out; the first row begins with the conversation.
     *
     * @throws JepaException if the example has too few views; the message names {@link
     *     TokenizedExample#source()}
     */
    List<Row> rows(TokenizedExample example);
}
