/// Latin letters that are not a plain letter with an accent, and the plain letters that people type for them.
///
/// These are the letters of Lucene's `ASCIIFoldingFilter` that canonical decomposition does not fold, as the index's
/// analyzer (`asciifolding`, then `lowercase`) leaves them.
enum LatinFolding {
  /// By code point.
  static let table: [UInt32: String] = {
    var table: [UInt32: String] = [:]
    for (plain, letters) in groups {
      for letter in letters.unicodeScalars { table[letter.value] = plain }
    }
    return table
  }()

  private static let groups: [(plain: String, letters: String)] = [
    ("a", "ƏȺɐəɚᴀᶏᶕẚₐₔⱥⱯ"),
    ("aa", "Ꜳꜳ"),
    ("ae", "ÆæǢǣǼǽᴁᴂ"),
    ("ao", "Ꜵꜵ"),
    ("au", "Ꜷꜷ"),
    ("av", "ꜸꜹꜺꜻ"),
    ("ay", "Ꜽꜽ"),
    ("b", "ƀƁƂƃɃɓʙᴃᵬᶀ"),
    ("c", "ƇƈȻȼɕʗᴄↄꜾꜿ"),
    ("d", "ÐðĐđƉƊƋƌȡɖɗᴅᴆᵭᶁᶑꝹꝺ"),
    ("db", "ȸ"),
    ("dz", "ǄǅǆǱǲǳʣʥ"),
    ("e", "ƎƐǝɆɇɘɛɜɝɞʚᴇᴈᶒᶓᶔₑⱸⱻ"),
    ("f", "ƑƒᵮᶂẛꜰꝻꝼꟻ"),
    ("ff", "ﬀ"),
    ("ffi", "ﬃ"),
    ("ffl", "ﬄ"),
    ("fi", "ﬁ"),
    ("fl", "ﬂ"),
    ("g", "ƓǤǥɠɡɢʛᵷᵹᶃꝽꝾꝿ"),
    ("h", "ĦħɥɦʜʮʯⱧⱨⱵⱶ"),
    ("hv", "ƕǶ"),
    ("i", "ıƖƗɨɪᴉᵢᵻᵼᶖⁱꟾ"),
    ("ij", "Ĳĳ"),
    ("j", "ȷɈɉɟʄʝᴊⱼ"),
    ("k", "ƘƙʞᴋᶄⱩⱪꝀꝁꝂꝃꝄꝅ"),
    ("l", "ĿŀŁłƚȴȽɫɬɭʟᴌᶅⱠⱡⱢꝆꝇꝈꝉꞀꞁ"),
    ("lj", "Ǉǈǉ"),
    ("ll", "Ỻỻ"),
    ("ls", "ʪ"),
    ("lz", "ʫ"),
    ("m", "ƜɯɰɱᴍᵯᶆⓂⱮꟽꟿ"),
    ("n", "ŉŊŋƝƞȠȵɲɳɴᴎᵰᶇⁿ"),
    ("nj", "Ǌǋǌ"),
    ("o", "ØøƆƟǾǿɔɵᴏᴐᴖᴗᶗₒⱺꝊꝋꝌꝍ"),
    ("oe", "Œœɶᴔ"),
    ("oo", "Ꝏꝏ"),
    ("ou", "Ȣȣᴕ"),
    ("p", "ƤƥᴘᵱᵽᶈⱣꝐꝑꝒꝓꝔꝕꟼ"),
    ("q", "ĸɊɋʠꝖꝗꝘꝙ"),
    ("qp", "ȹ"),
    ("r", "ɌɍɼɽɾɿʀʁᴙᴚᵣᵲᵳᶉⱤꝚꝛꞂꞃ"),
    ("s", "ſȿʂᵴᶊẜẝꜱꞄꞅ"),
    ("ss", "ßẞ"),
    ("st", "ﬆ"),
    ("t", "ŦŧƫƬƭƮȶȾʇʈᴛᵵⱦꞆ"),
    ("tc", "ʨ"),
    ("th", "ÞþᵺꝦꝧ"),
    ("ts", "ʦ"),
    ("tz", "Ꜩꜩ"),
    ("u", "Ʉʉᴜᵤᵾᶙ"),
    ("ue", "ᵫ"),
    ("v", "ƲɅʋʌᴠᵥᶌỼⱱⱴꝞꝟꝨ"),
    ("vy", "Ꝡꝡ"),
    ("w", "ƿǷʍᴡⱲⱳ"),
    ("x", "ᶍₓ"),
    ("y", "ƳƴɎɏʎʏỾỿ"),
    ("z", "ƵƶȜȝȤȥɀʐʑᴢᵶᶎⱫⱬꝢꝣ"),
  ]
}
