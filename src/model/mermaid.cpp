// Writes Mermaid's flowcharts. In a quoted label Mermaid knows the character entities of HTML with # in the place of &; all that
// is not a letter, a digit or known to mean nothing is written so: quotes, brackets, %%{...}%%, line ends. Called by
// deletion/cascade_graph.
#include "model/mermaid.hpp"

namespace softdelete::model {

namespace {

// Bytes of letters beyond ASCII stay as they are, whatever the encoding.
bool is_plain(unsigned char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9')
           || byte == '_' || byte == ' ' || byte == '.' || byte == ',' || byte == '-' || byte >= 0x80;
}

std::string escape(const std::string &text) {
    std::string escaped;
    for (char character : text) {
        auto byte = static_cast<unsigned char>(character);
        if (is_plain(byte)) {
            escaped += character;
        } else {
            escaped += "#" + std::to_string(byte) + ";";
        }
    }
    return escaped;
}

std::string quote(const std::vector<std::string> &lines) {
    std::string label;
    for (const std::string &line : lines) {
        label += (label.empty() ? "" : "<br/>") + escape(line);
    }
    return "\"" + label + "\"";
}

const char *get_sign(Arrow arrow) {
    switch (arrow) {
    case Arrow::solid:
        return "-->";
    case Arrow::dashed:
        return "-.->";
    case Arrow::crossed:
        return "--x";
    }
    return "-->";
}

} // namespace

std::string draw_flowchart(const std::vector<GraphNode> &nodes, const std::vector<GraphEdge> &edges) {
    std::string text = "flowchart TD\n";
    for (std::size_t i = 0; i < nodes.size(); i++) {
        text += "    t" + std::to_string(i + 1) + "[" + quote(nodes[i].lines) + "]\n";
    }
    for (const GraphEdge &edge : edges) {
        text += "    t" + std::to_string(edge.from + 1) + " " + get_sign(edge.arrow) + "|" + quote(edge.lines)
                + "| t" + std::to_string(edge.to + 1) + "\n";
    }
    text.pop_back();
    return text;
}

} // namespace softdelete::model
