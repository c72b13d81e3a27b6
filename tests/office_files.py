"Office files for tests, made as the programs make them: a Word document, a Hangul document, a PDF."

import io
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

NAMES = ' '.join(
    f'xmlns:{short}="http://www.hancom.co.kr/hwpml/2011/{name}"'
    for short, name in (('hp', 'paragraph'), ('hs', 'section'), ('hh', 'head'))
)
HEADER = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes" ?><hh:head {NAMES}><hh:refList>
<hh:paraProperties><hh:paraPr id="0"><hh:heading type="NONE" idRef="0" level="0"/></hh:paraPr>
<hh:paraPr id="1"><hh:heading type="OUTLINE" idRef="0" level="0"/></hh:paraPr></hh:paraProperties>
<hh:styles><hh:style id="0" type="PARA" name="바탕글" engName="Normal" paraPrIDRef="0"/>
<hh:style id="2" type="PARA" name="개요 2" engName="Outline 2" paraPrIDRef="0"/></hh:styles></hh:refList></hh:head>"""


def hangul_paragraph(text: str, shape: int = 0, style: int = 0) -> str:
    "A paragraph of a Hangul document; shape 1 is the first level of the outline, style 2 the second."
    run = f'<hp:run charPrIDRef="0"><hp:t>{escape(text)}</hp:t></hp:run>'
    return f'<hp:p id="0" paraPrIDRef="{shape}" styleIDRef="{style}">{run}</hp:p>'


def hangul_table(rows: list[list[str]]) -> str:
    "A paragraph that holds a table."
    cell = '<hp:tc><hp:subList>{}</hp:subList></hp:tc>'
    inner = ''.join(
        f'<hp:tr>{"".join(cell.format(hangul_paragraph(text)) for text in row)}</hp:tr>' for row in rows
    )
    return f'<hp:p paraPrIDRef="0" styleIDRef="0"><hp:run><hp:tbl>{inner}</hp:tbl><hp:t/></hp:run></hp:p>'


def write_hwpx(path: Path, *sections: str, title: str = '', **parts: str) -> Path:
    "A Hangul document of sections of XML; `parts` are put in place of others, by their names in the zip."
    manifest = '<opf:package xmlns:opf="http://www.idpf.org/2007/opf/"><opf:metadata>'
    manifest += (
        f'<opf:title>{escape(title)}</opf:title><opf:language>ko</opf:language></opf:metadata></opf:package>'
    )
    files = {'mimetype': 'application/hwp+zip', 'version.xml': '<v/>', 'Contents/content.hpf': manifest}
    files['Contents/header.xml'] = HEADER
    for n, body in enumerate(sections):
        start = '<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>'
        files[f'Contents/section{n}.xml'] = f'{start}<hs:sec {NAMES}>{body}</hs:sec>'
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as z:
        for name, text in (files | parts).items():
            stored = zipfile.ZIP_STORED if name == 'mimetype' else zipfile.ZIP_DEFLATED
            z.writestr(name, text, stored)
    return path


def write_pdf(path: Path, pages: list[list[str]], title: str = '', mapped: bool = True) -> Path:
    "A PDF of lines; its font says which letters its codes draw (`mapped`), or, as some do, it does not."
    letters = {c: n for n, c in enumerate(sorted(set(''.join(map(''.join, pages)))), 1)}
    codes = '\n'.join(f'<{n:04x}> <{c.encode("utf-16-be").hex()}>' for c, n in letters.items())
    cmap = f'begincmap\n1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n{len(letters)} beginbfchar\n'
    cmap += f'{codes}\nendbfchar\nendcmap'
    kids = ' '.join(f'{7 + 2 * n} 0 R' for n in range(len(pages)))
    font = '<</Type/Font/Subtype/Type0/BaseFont/F/Encoding/Identity-H/DescendantFonts[4 0 R]'
    inner = '<</Type/Font/Subtype/CIDFontType2/BaseFont/F/DW 1000/CIDSystemInfo'
    objects = [
        '<</Type/Catalog/Pages 2 0 R/Lang(ko)>>',
        f'<</Type/Pages/Count {len(pages)}/Kids[{kids}]>>',
        font + ('/ToUnicode 5 0 R>>' if mapped else '>>'),
        inner + '<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>>>',
        f'<</Length {len(cmap)}>>stream\n{cmap}\nendstream',
        f'<</Title<feff{title.encode("utf-16-be").hex()}>>>',
    ]
    for n, lines in enumerate(pages):
        shown = ' '.join(f'<{"".join(f"{letters[c]:04x}" for c in line)}> Tj 0 -20 Td' for line in lines)
        stream = f'BT /F 12 Tf 50 700 Td {shown} ET'
        page = f'<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents {8 + 2 * n} 0 R'
        objects.append(page + '/Resources<</Font<</F 3 0 R>>>>>>')
        objects.append(f'<</Length {len(stream)}>>stream\n{stream}\nendstream')
    out, places = io.BytesIO(b'%PDF-1.7\n'), []
    out.seek(0, 2)
    for number, text in enumerate(objects, 1):
        places.append(out.tell())
        out.write(f'{number} 0 obj\n{text}\nendobj\n'.encode())
    begin, count = out.tell(), len(objects) + 1
    table = ''.join(f'{place:010} 00000 n \n' for place in places)
    out.write(f'xref\n0 {count}\n0000000000 65535 f \n{table}'.encode())
    out.write(f'trailer<</Size {count}/Root 1 0 R/Info 6 0 R>>\nstartxref\n{begin}\n%%EOF\n'.encode())
    path.write_bytes(out.getvalue())
    return path


def write_docx(path: Path) -> Path:
    """A Word document with what python-docx itself does not read: a content control, tracked changes, a text
    box, a table in a table, hidden text."""
    import docx
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    document = docx.Document()
    document.core_properties.title = '문서1'
    document.add_paragraph('출장 규정', style='Title')
    document.add_heading('숙박비', 1)
    paragraph = document.add_paragraph('하루에 ')
    for xml in (
        '<w:ins w:id="1" w:author="a"><w:r><w:t>십만 원</w:t></w:r></w:ins>',
        '<w:del w:id="2" w:author="a"><w:r><w:delText>구만 원</w:delText></w:r></w:del>',
        '<w:r><w:rPr><w:vanish/></w:rPr><w:t>숨은 말</w:t></w:r>',
        '<w:r><w:t>까지 낸다.</w:t></w:r>',
    ):
        paragraph._p.append(parse_xml(xml.replace('>', f' {nsdecls("w")}>', 1)))
    control = f'<w:sdt {nsdecls("w")}><w:sdtContent><w:p><w:r><w:t>서식 칸의 글</w:t></w:r></w:p></w:sdtContent></w:sdt>'
    document.element.body.insert(-1, parse_xml(control))
    box = f'<w:r {nsdecls("w")}><w:pict><w:txbxContent><w:p><w:r><w:t>글상자</w:t></w:r></w:p></w:txbxContent></w:pict></w:r>'
    document.add_paragraph('상자 앞')._p.append(parse_xml(box))
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip((c for row in table.rows for c in row.cells), ('직급', '금액', '부장', '')):
        cell.text = text
    inner = table.cell(1, 1).add_table(rows=1, cols=2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = '국내', '국외'
    document.add_heading('식비', 2)
    document.add_paragraph('영수증을 낸다.')
    document.save(path)
    return path
